import { createHash } from 'node:crypto'
import { keyOf, type Plot, plotOf } from '../charts/plot.ts'
import { html, type Markup, trusted } from '../markup.ts'
import { POINTER_SCRIPT } from './pointer.ts'
import { STYLE } from './style.ts'

const SCRIPT_DIGEST = createHash('sha256').update(POINTER_SCRIPT).digest('base64')

/**
 * The page may fetch nothing, and runs the one script it was written with: names of strangers are escaped, and were
 * one not, a browser would still refuse what it carries.
 */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${SCRIPT_DIGEST}'; base-uri 'none'; form-action 'none'`

/** One page that stands alone: no network, light and dark, a phone and a projector. */
export function framed({
  title,
  subtitle,
  body,
}: {
  title: string
  subtitle: string
  body: readonly Markup[]
}): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="generator" content="wattmesh">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p>${subtitle}</p></header>
${body}
</main>
<script>${trusted(POINTER_SCRIPT)}</script>
</body>
</html>
`
  return page.markup
}

export interface Section {
  readonly title: string
  readonly said: string
  readonly plot: Plot | undefined
  /** What to say when there is nothing to draw. */
  readonly none: string
  readonly more?: Markup | undefined
}

export function section({ title, said, plot, none, more }: Section): Markup {
  const shown =
    plot === undefined
      ? html`<p class="empty">${none}</p>`
      : html`<p class="quiet">${said}</p>${keyOf(plot)}${plotOf(plot)}`
  return html`<section><h2>${title}</h2>${shown}${more}</section>`
}
