const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** Whether a host is the machine itself. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** Whether an origin is reached without TLS from other machines. */
export const isPlain = (origin: string): boolean => {
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && !isLoopback(hostname);
};

/** Whether a text is an http(s) origin and nothing more: `https://billing.example.com:8443`. */
export function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === text;
  } catch {
    return false;
  }
}
