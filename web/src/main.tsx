import { render } from "preact";
import { App } from "./app";
import { followHistory } from "./route";
import { loadJobs } from "./state/jobs";
import { applyTheme } from "./state/preferences";
import { refreshAbout } from "./state/session";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/grid.css";
import "./styles/overlays.css";
import "./styles/pages.css";
import "./styles/training.css";

applyTheme();
followHistory();
void refreshAbout().then(loadJobs);
render(<App />, document.getElementById("app") as HTMLElement);
