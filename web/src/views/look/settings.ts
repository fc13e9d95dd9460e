// How maps lie over their pictures: a matter of taste, so it stays in this browser.
import { kept } from "../../state/preferences";

/** Percent of the picture that a map covers. */
export const cover = kept("look.cover", ["20", "30", "40", "50", "60", "70", "80", "90", "100"], "80");

/** Whether patches are smoothed into each other. */
export const edges = kept("look.edges", ["smooth", "edges"], "smooth");
