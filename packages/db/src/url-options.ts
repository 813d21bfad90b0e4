/** What a database's URL may ask for after its question mark: node-postgres passes over anything else without a word. */
const KNOWN = new Set(
  // pg 8.23, lib/connection-parameters.js, and pg-connection-string 2.14, index.js
  `user password host port application_name fallback_application_name options client_encoding
   ssl sslmode sslcert sslkey sslrootcert sslnegotiation uselibpqcompat enableChannelBinding
   statement_timeout lock_timeout idle_in_transaction_session_timeout`.split(/\s+/),
);

/** The names of options that would do nothing, or only be in the way. */
export function unknownUrlOptions(url: string): string[] {
  const names = [...(URL.parse(url)?.searchParams.keys() ?? [])];
  return [...new Set(names)].filter((name) => !KNOWN.has(name));
}
