// No picture yet to select a part on.
import { Chooser } from "../../components/chooser";
import { routes, selectPart } from "../../route";

const choose = (query: string) => selectPart(routes.get(), query);

export const Choose = () => (
  <Chooser title="Find a part everywhere" does="select a part of it" choose={choose}>
    Choose a picture, then mark what you mean on it: an eye, a window, a wheel.
  </Chooser>
);
