import { AppError } from '@timmy-tower/contract';

/** The same for a key that does not fit and for a session that does not exist: nobody learns which sessions there are. */
export function sessionNotFound(): AppError {
  return new AppError('not-found', 'There is no such session, or the key is not one of its keys.');
}
