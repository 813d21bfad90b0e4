import { CopyButton } from '../components/copy-button.tsx';
import { cutText } from '../graphemes.ts';
import { longText } from '../long-text.tsx';

interface CodeBlockProps {
  readonly code: string;
  readonly language?: string | undefined;
}

const MAX_NAME_LENGTH = 40;

/** From left to right, whatever is spoken around it, and never translated. */
export function CodeBlock({ code, language }: CodeBlockProps) {
  const name = cutText(language?.split(/\s/)[0] ?? '', MAX_NAME_LENGTH);
  return (
    <figure className="code" dir="ltr">
      <figcaption>
        <span translate="no">{name || 'code'}</span>
        <CopyButton text={code} label="Copy" name="Copy this code" />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} role="group" aria-label={`Code${name && ` in ${name}`}`} translate="no">
        <code>{longText(code)}</code>
      </pre>
    </figure>
  );
}
