import { asSentence } from "../format";
import { Notice } from "./notice";

interface NotHereProps {
  failure: string; // why
  href: string;
  does?: string;
}

/** What a view shows in place of a picture that cannot be had, and where to go on. */
export function NotHere({ failure, href, does = "Choose another" }: NotHereProps) {
  return (
    <Notice icon="warning" tone="bad" title="This picture is not here" actions={<a class="button primary" href={href}>{does}</a>}>
      {asSentence(failure)}
    </Notice>
  );
}
