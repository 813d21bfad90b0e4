import { useEffect, useState } from 'react';

const SPOKEN_MS = 5000;

/** Tells a screen reader what happened: a reply once and whole, not word by word. Then it is gone, not to be read twice. */
export function Announcer({ text }: { readonly text: string }) {
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    setSpoken(text);
    const timer = setTimeout(() => setSpoken(''), SPOKEN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {spoken}
    </div>
  );
}
