import type { ServerInfo } from '@timmy-tower/contract';
import { createContext, useContext, useEffect, useState } from 'react';

import { callApi } from '../api/client.ts';

const RETRY_MS = 3000;

export const ServerContext = createContext<ServerInfo | undefined>(undefined);

/** @throws {TypeError} outside a `ServerContext` that has one */
export function useServer(): ServerInfo {
  const info = useContext(ServerContext);
  if (!info) throw new TypeError('no server is known here');
  return info;
}

/** Who serves this page. Asked until there is an answer. */
/** @throws {TypeError} outside a `ServerContext` that has one */
export function useServerInfo() {
  const [info, setInfo] = useState<ServerInfo>();
  const [failures, setFailures] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const retry = () => setAttempt((count) => count + 1);
  useEffect(() => {
    if (info) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const controller = new AbortController();
    callApi<ServerInfo>('/config', { holds: 'agentName', signal: controller.signal }).then(setInfo, () => {
      if (controller.signal.aborted) return;
      setFailures((count) => count + 1);
      timer = setTimeout(retry, RETRY_MS);
    });
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [attempt, info]);
  return { info, unreachable: !info && failures > 0, retry };
}
