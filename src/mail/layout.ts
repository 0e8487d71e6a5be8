/** What an e-mail says, before it becomes text and HTML. */
export interface Letter {
  subject: string;
  heading: string;
  greeting: string;
  paragraphs: string[];
  /** Words of a person, as they were written. */
  message: string | null;
  facts: [name: string, value: string][];
  /** The figure that matters most, shown large. */
  figure: { label: string; value: string } | null;
}

/** Who sends it. */
export interface Sender {
  name: string;
  lines: string[];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Every value that is put into HTML passes here (rules E10). */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one]!);

const lines = (text: string): string => escapeHtml(text).replace(/\r\n|\r|\n/g, '<br>');

export function asText(letter: Letter, sender: Sender): string {
  const width = Math.max(0, ...letter.facts.map(([name]) => name.length)) + 2;
  const facts = letter.facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`).join('\n');
  const figure = letter.figure && `${letter.figure.label}: ${letter.figure.value}`;
  const parts = [
    letter.greeting,
    ...letter.paragraphs,
    letter.message,
    figure,
    facts,
    '-- ',
    [sender.name, ...sender.lines].join('\n'),
  ];
  return `${parts.filter(Boolean).join('\n\n').replace('-- \n\n', '-- \n')}\n`;
}

const FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const row = ([name, value]: [string, string]): string => `<tr>
<td style="padding:10px 16px 10px 0;border-top:1px solid #e7e9ee;color:#5b6472;white-space:nowrap">${escapeHtml(name)}</td>
<td style="padding:10px 0;border-top:1px solid #e7e9ee;color:#1a202c;text-align:right">${escapeHtml(value)}</td>
</tr>`;
const table = 'role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%"';

/** Tables and inline styles, as mail programs need them; no image, no script, no link to anywhere. */
export function asHtml(letter: Letter, sender: Sender): string {
  const { heading, greeting, paragraphs, message, facts, figure } = letter;
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${lines(text)}</p>`;
  const shown = figure
    ? `<div style="margin:8px 0 24px;padding:20px 24px;background:#f3f6fb;border-radius:8px">
<div style="color:#5b6472;font-size:13px">${escapeHtml(figure.label)}</div>
<div style="color:#1a202c;font-size:28px;font-weight:600;line-height:36px">${escapeHtml(figure.value)}</div></div>`
    : '';
  const quoted = message
    ? `<div style="margin:0 0 20px;padding:4px 0 4px 16px;border-left:3px solid #2f6fde;color:#1a202c">${lines(message)}</div>`
    : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(letter.subject)}</title></head>
<body style="margin:0;padding:0;background:#eef1f6">
<table ${table} style="background:#eef1f6"><tr><td align="center" style="padding:32px 12px">
<table ${table} style="max-width:560px;${FONT};font-size:15px;line-height:23px;color:#2d3748">
<tr><td style="padding:0 8px 16px;color:#1a202c;font-size:16px;font-weight:600">${escapeHtml(sender.name)}</td></tr>
<tr><td style="background:#ffffff;border-radius:12px;padding:32px;border:1px solid #e1e5ec">
<h1 style="margin:0 0 20px;font-size:22px;line-height:30px;font-weight:600;color:#1a202c">${escapeHtml(heading)}</h1>
${paragraph(greeting)}${paragraphs.map(paragraph).join('')}${quoted}${shown}
<table ${table} style="border-bottom:1px solid #e7e9ee;font-size:14px;line-height:20px">${facts.map(row).join('')}</table>
</td></tr>
<tr><td style="padding:20px 8px;color:#7a8394;font-size:12px;line-height:18px">${[sender.name, ...sender.lines].map(escapeHtml).join('<br>')}</td></tr>
</table></td></tr></table></body></html>
`;
}
