// Asking where a thing is, and what a person says of the answer.
import { useEffect, useState } from "preact/hooks";
import { isAbort } from "../../api";
import { correct, type Whereabouts } from "../../objects";
import type { Edges } from "../../marks";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { learnt } from "../../state/things";

export interface Asked {
  answer: Whereabouts | null; // null: not known yet
  failure: string | null; // a sentence
  looking: boolean; // an answer that is shown is being asked for again
}

/** An answer to a question that `key` names; asked again in another `round`, with the old answer shown meanwhile. */
export function useAnswer(key: string, round: number, ask: (signal: AbortSignal) => Promise<Whereabouts>): Asked {
  const [asked, setAsked] = useState<Asked & { key: string }>({ key, answer: null, failure: null, looking: true });
  useEffect(() => {
    const abort = new AbortController();
    setAsked((before) => (before.key === key ? { ...before, failure: null, looking: true } : { key, answer: null, failure: null, looking: true }));
    ask(abort.signal).then(
      (answer) => setAsked({ key, answer, failure: null, looking: false }),
      (error: unknown) => {
        if (!isAbort(error)) setAsked({ key, answer: null, failure: noteFailure(error), looking: false });
      },
    );
    return () => abort.abort();
  }, [key, round]);
  return asked.key === key ? asked : { answer: null, failure: null, looking: true };
}

/** Say of a place that it is the thing, or another one. True when it was learnt. */
export async function judge(name: string, picture: string, box: Edges, kind: "yes" | "no"): Promise<boolean> {
  try {
    learnt(await correct(name, picture, box, kind));
    say(kind === "yes" ? `Learnt: that is ${name}.` : `Learnt: that is not ${name}.`);
    return true;
  } catch (error) {
    const sentence = noteFailure(error);
    if (sentence) say(sentence, "bad");
    return false;
  }
}
