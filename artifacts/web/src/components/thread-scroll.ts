/** Where the conversation is scrolled to, whatever comes in, grows or goes. */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';

const NEAR_END_PX = 80;
const SHOW_NEWEST = 'timmy-show-newest';

/** Scrolls to the end, wherever the reader is. */
export function showNewest(): void {
  dispatchEvent(new Event(SHOW_NEWEST));
}

/** Something in view, and how far below the top of the view it begins. */
interface Place {
  readonly element: Element;
  readonly top: number;
}

/**
 * Stays at the end while it grows, unless the reader scrolled away; then what they read stays where it is, whatever comes
 * in above. Done here and not by the browser, which does neither at the very top nor everywhere.
 * @returns `settle` brings it to its place at once, when something came in; `isAway` while the reader is not at the end
 */
export function useHeldPlace(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): { readonly settle: () => void; readonly isAway: boolean } {
  const [isAway, setIsAway] = useState(false);
  const settle = useRef(() => {});
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    let place: Place | 'end' | undefined = 'end';
    let knownTop = 0;
    const scrollTo = (top: number) => {
      box.scrollTop = top;
      knownTop = box.scrollTop;
    };
    const tell = () => setIsAway(place !== 'end' && !isNearEnd(box));
    /** What the reader scrolled is theirs, also when its event is still to come. */
    const notice = () => {
      const scrolledPx = box.scrollTop - knownTop;
      knownTop = box.scrollTop;
      if (place === 'end') {
        // More may have come in at the end since: only who scrolls up leaves it.
        if (scrolledPx < -1 && !isNearEnd(box)) place = firstInView(box);
      } else if (place) {
        place = { element: place.element, top: place.top - scrolledPx };
      }
    };
    const onScroll = () => {
      notice();
      if (place !== 'end') place = isNearEnd(box) ? 'end' : firstInView(box);
      tell();
    };
    const onResize = () => {
      notice();
      if (place === 'end') return scrollTo(box.scrollHeight);
      if (place && !place.element.isConnected) place = firstInView(box);
      const movedPx = place ? topIn(box, place.element) - place.top : 0;
      if (Math.abs(movedPx) >= 1) scrollTo(box.scrollTop + movedPx);
      tell();
    };
    const toEnd = () => {
      place = 'end';
      scrollTo(box.scrollHeight);
      tell();
    };
    toEnd();
    settle.current = onResize;
    const observer = new ResizeObserver(onResize);
    observer.observe(box);
    observer.observe(content.current);
    box.addEventListener('scroll', onScroll, { passive: true });
    addEventListener(SHOW_NEWEST, toEnd);
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', onScroll);
      removeEventListener(SHOW_NEWEST, toEnd);
    };
  }, [scroller, content]);
  return { settle: useCallback(() => settle.current(), []), isAway };
}

const isNearEnd = (box: Element) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;

const topIn = (box: Element, element: Element) => element.getBoundingClientRect().top - box.getBoundingClientRect().top;

function firstInView(box: Element): Place | undefined {
  const { top } = box.getBoundingClientRect();
  const element = [...box.querySelectorAll('.message, .block-away')].find(
    (each) => each.getBoundingClientRect().bottom > top,
  );
  return element && { element, top: topIn(box, element) };
}
