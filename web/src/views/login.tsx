import { useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { Logo } from "../components/icon";
import { refreshAbout } from "../state/session";
import { loadJobs } from "../state/jobs";

/** Asked for when the server is open to the network and does not know this browser yet. */
export function Login() {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const onSubmit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim();
    setBusy(true);
    try {
      await api.login(token);
      await refreshAbout();
      void loadJobs();
    } catch (failure) {
      setError(failure instanceof ApiError ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main class="login" id="main">
      <form class="card" onSubmit={(event) => void onSubmit(event)}>
        <Logo size={72} />
        <h1>Dinoscope</h1>
        <label>
          Access token
          <input class="field code" name="token" type="password" autocomplete="current-password" required />
        </label>
        {error && <p class="form-error" role="alert">{error}</p>}
        <button type="submit" class="button primary large" disabled={busy}>Open the library</button>
        <p class="hint">The token was printed where “dinoscope serve” was started.</p>
      </form>
    </main>
  );
}
