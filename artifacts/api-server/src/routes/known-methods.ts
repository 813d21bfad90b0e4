import { AppError } from '@timmy-tower/contract';

import type { App } from './http.ts';

/**
 * Why no route answers a path, once all routes are there: `method-not-allowed` where it takes other methods (RFC 9110
 * §15.5.6), else `not-found`.
 */
export function createUnknownPath(app: App): (path: string) => AppError {
  // Middleware is of every method ("ALL").
  const known = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  return (path) => {
    const methods = known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.length === 0) return new AppError('not-found', 'There is nothing here. GET /docs shows what there is.');
    // HEAD is answered wherever GET is.
    const allow = [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].toSorted().join(', ');
    return new AppError('method-not-allowed', `This path takes ${allow}.`, { fields: { allow } });
  };
}

const patternOf = (path: string) =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/:[^/]+/g, '[^/]+')}$`);
