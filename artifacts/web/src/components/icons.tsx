/** Line icons, drawn with the colour of the text around them. */
const paths = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  send: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  stop: 'M8 8h8v8H8zM9 10h6M9 12h6M9 14h6',
  plus: 'M12 5v14M5 12h14',
  key: 'M8 12a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 13l9-9M15 9l3 3M18 6l2 2',
} as const;

export function Icon({ name }: { readonly name: keyof typeof paths }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function Tower() {
  return (
    <svg className="tower" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path className="tower-beam" d="M18.5 10 31 4.5v11zM13.5 10 1 4.5v11z" />
      <path d="M16 2.5 20.2 7v.8h-8.400V7zM12.600 8.8h6.8v3h-6.8zM12 12.8h8l1.600 13.2H10.400zM9 27h14v2H9z" />
    </svg>
  );
}
