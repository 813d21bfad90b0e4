/** Where a provider is, as operators write it. */

export interface BaseUrl {
  /** What the SDK puts its paths behind. */
  readonly baseURL: string;
  /** What each request carries after its path: `?api-version=1`, or nothing. */
  readonly search: string;
}

/** What people copy from examples: the address of the call itself. */
const CALL = /\/(?:chat\/completions|completions|responses|messages)$/;

/** @throws {RangeError} naming the setting, never repeating its value, which may hold a secret */
export function parseBaseUrl(setting: string, text: string): BaseUrl {
  const url = URL.parse(text.trim());
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isUsable) throw new RangeError(`${setting} must be an http or https URL without a user name or password in it.`);
  const path = url.pathname.replace(/\/+$/, '').replace(CALL, '').replace(/\/+$/, '');
  return { baseURL: url.origin + path, search: url.search };
}

export function withSearch(url: string, search: string): string {
  if (search === '') return url;
  return url.includes('?') ? `${url}&${search.slice(1)}` : url + search;
}
