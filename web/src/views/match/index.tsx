// Two pictures, and which part of one is which part of the other.
import { useLayoutEffect } from "preact/hooks";
import { Chooser } from "../../components/chooser";
import { Notice } from "../../components/notice";
import { asSentence } from "../../format";
import { aboutPicture, HOME, routes, type Route } from "../../route";
import { useAsked } from "../../state/asked";
import { useStore } from "../../state/store";
import { Pair } from "./pair";

const chooseHere = (query: string): Partial<Route> => {
  const { there } = routes.get();
  return { ...aboutPicture(routes.get(), "match", query), there: there === query ? "" : there };
};

const chooseThere = (query: string): Partial<Route> => ({ ...aboutPicture(routes.get(), "match", routes.get().of), there: query });

export function Match() {
  const { of, there } = useStore(routes);
  if (of && there) return <OnPair key={`${of} ${there}`} here={of} there={there} />;
  return <Choosing known={of || there} choose={of ? chooseThere : chooseHere} />;
}

/** The first of the two, or with one known the other: those most like it come first. */
function Choosing({ known, choose }: { known: string; choose: (query: string) => Partial<Route> }) {
  const { asked } = useAsked(known);
  const { filters } = useStore(routes);
  if (!known) {
    return (
      <Chooser title="Match two pictures" does="match it" choose={choose}>
        Choose a picture, then another one, and see which part of one is which part of the other.
      </Chooser>
    );
  }
  return (
    <Chooser
      title={asked ? `Match ${asked.name} with …` : "Match it with …"}
      does="match them"
      choose={choose}
      list={{ ...HOME, filters, like: [known] }}
    >
      Choose the other picture; those most like this one come first.
    </Chooser>
  );
}

function OnPair({ here, there }: { here: string; there: string }) {
  const [first, second] = [useAsked(here), useAsked(there)];
  useLayoutEffect(() => scrollTo(0, 0), []);
  const failure = first.failure ?? second.failure;
  if (failure) {
    return (
      <Notice icon="warning" tone="bad" title="One of the pictures is not here" actions={<a class="button primary" href="/match">Choose others</a>}>
        {asSentence(failure)}
      </Notice>
    );
  }
  return first.asked && second.asked ? <Pair here={first.asked} there={second.asked} /> : <div class="match" aria-busy="true" />;
}
