"""What can be asked for over HTTP, a module per noun."""
