interface Pressed {
  readonly isComposing: boolean;
  readonly keyCode: number;
}

/** What a key has while an input method takes it, https://www.w3.org/TR/uievents/#determine-keydown-keyup-keyCode. */
const TAKEN_BY_INPUT_METHOD = 229;

/**
 * The key belongs to an input method: it chooses or ends a composition, and means nothing else. Safari has ended the composition
 * by the time it tells of the key (https://bugs.webkit.org/show_bug.cgi?id=165004): only the code says so there.
 */
export const isComposing = ({ isComposing: composing, keyCode }: Pressed): boolean =>
  composing || keyCode === TAKEN_BY_INPUT_METHOD;
