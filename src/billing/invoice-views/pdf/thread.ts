import { serveThread } from '../../../platform/threads/serve.ts';
import { drawPaper } from './render.ts';

/** The thread of print.ts. */
serveThread(drawPaper);
