/** Tells a screen reader what happened: a reply once and whole, not word by word. */
export function Announcer({ text }: { readonly text: string }) {
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}
