import rootPackage from '../../../package.json' with { type: 'json' };

/** The version of the whole project. */
export const { version } = rootPackage;
