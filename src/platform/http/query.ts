/** The parameters of a query string. A `+` is a plus sign and a space `%20`, as in any URL, not as in forms (contract 1.2). */
export const readQuery = (text: string): URLSearchParams => new URLSearchParams(text.replaceAll('+', '%2B'));

/** The query string that `readQuery` reads these parameters from. */
export const writeQuery = (params: URLSearchParams): string => params.toString().replaceAll('+', '%20');
