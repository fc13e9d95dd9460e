// Every view is one file and one line here. One that not everybody opens comes when it is opened:
// `Page: lazily(async () => (await import("./other")).Other)`.
import type { FunctionComponent } from "preact";
import { lazily } from "../components/lazily";
import type { IconName } from "../components/icon";
import { Activity } from "./activity";
import { Compare } from "./compare";
import { Library } from "./library";
import { Part } from "./part";
import { Training } from "./training";

export interface View {
  title: string;
  icon: IconName;
  apart?: boolean; // not in the top bar itself, but in its menu
  Page: FunctionComponent;
}

export const VIEWS: Record<string, View> = {
  "": { title: "Library", icon: "grid", Page: Library },
  part: { title: "Select a part", icon: "part", Page: Part },
  look: { title: "Look inside", icon: "look", apart: true, Page: lazily(async () => (await import("./look")).Look) },
  match: { title: "Match two pictures", icon: "match", apart: true, Page: lazily(async () => (await import("./match")).Match) },
  distances: { title: "Distances", icon: "ruler", apart: true, Page: lazily(async () => (await import("./distances")).Distances) },
  map: { title: "Map", icon: "map", Page: lazily(async () => (await import("./map")).LibraryMap) },
  objects: { title: "My things", icon: "thing", Page: lazily(async () => (await import("./objects")).Objects) },
  remember: { title: "Teach a thing", icon: "tag", apart: true, Page: lazily(async () => (await import("./remember")).Remember) },
  copies: { title: "Copies", icon: "copies", apart: true, Page: lazily(async () => (await import("./copies")).Copies) },
  robustness: { title: "Robustness lab", icon: "lab", apart: true, Page: lazily(async () => (await import("./robustness")).Robustness) },
  training: { title: "Training", icon: "train", apart: true, Page: Training },
  compare: { title: "Compare models", icon: "compare", apart: true, Page: Compare },
  activity: { title: "Activity", icon: "pulse", Page: Activity },
};
