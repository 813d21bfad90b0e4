import { CopyButton } from '../components/copy-button.tsx';

interface CodeBlockProps {
  readonly code: string;
  readonly language?: string | undefined;
}

export function CodeBlock({ code, language }: CodeBlockProps) {
  const name = language?.split(/\s/)[0] ?? '';
  return (
    <figure className="code">
      <figcaption>
        <span>{name || 'code'}</span>
        <CopyButton text={code} label="Copy" name="Copy this code" />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} role="group" aria-label={`Code${name && ` in ${name}`}`}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
