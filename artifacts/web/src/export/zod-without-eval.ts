/** To be loaded before any schema is made: the CSP allows no code made from text, which is how zod would go faster. */
import { config } from 'zod';

config({ jitless: true });
