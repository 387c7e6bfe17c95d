/**
 * Colours after Okabe and Ito, which people with any kind of colour vision tell apart; in the dark they are lighter.
 * No fonts are fetched: the page opens without a network.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  --page: #f7f7f4; --card: #fff; --ink: #1c2326; --quiet: #5f6b70; --rule: #e3e5e1; --faint: #eef0ec;
  --solar: #eba91c; --battery: #4aa3dc; --neighbours: #009270; --utility: #cf5a10; --load: #59656c;
  --line-0: #0072b2; --line-1: #cf5a10; --line-2: #009270; --line-3: #b0599a; --line-4: #a87400; --line-5: #2f93cc;
  --line-6: #59656c; --line-7: #7a55c7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101416; --card: #181d20; --ink: #e8ecea; --quiet: #9ba7ab; --rule: #2b3236; --faint: #20272a;
    --solar: #f2bd45; --battery: #6bb8ea; --neighbours: #22b892; --utility: #ef8544; --load: #93a0a7;
    --line-0: #5aa9e6; --line-1: #ef8544; --line-2: #22b892; --line-3: #dc8cc6; --line-4: #e6b84c; --line-5: #8fd0f5;
    --line-6: #a3afb5; --line-7: #b39af0;
  }
}
* { box-sizing: border-box; }
html { font-size: clamp(16px, 10px + .5vw, 21px); }
body {
  margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 var(--font);
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 70rem; margin: 0 auto; padding: 56px 24px 80px; }
header { margin-bottom: 40px; }
h1 { font-size: clamp(1.9rem, 4.5vw, 2.75rem); line-height: 1.12; letter-spacing: -.022em; margin: 0 0 10px; font-weight: 680; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.25; letter-spacing: -.012em; margin: 0 0 4px; font-weight: 640; text-wrap: balance; }
p { margin: 0; }
.quiet, caption, header p { color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 16px; padding: 28px 32px 26px; margin-top: 24px; }
section > p.quiet { max-width: 68ch; }
.hero { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; }
.hero section { margin: 0; min-width: 0; }
.share { display: flex; align-items: center; gap: 32px; }
.share svg { flex: none; width: 168px; height: 168px; }
.big { font-size: clamp(2.6rem, 6vw, 3.6rem); line-height: 1; letter-spacing: -.035em; font-weight: 680; margin-bottom: 10px; white-space: nowrap; }
.big small { font-size: .5em; letter-spacing: 0; font-weight: 560; color: var(--quiet); }
.bars { margin: 22px 0 0; display: grid; gap: 14px; }
.bars > div > span { display: flex; justify-content: space-between; gap: 16px; margin-bottom: 5px; }
.bars .bar { display: block; height: 14px; border-radius: 4px; background: var(--faint); overflow: hidden; }
.bars .bar i { display: block; height: 100%; border-radius: 4px; background: var(--of); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 24px; margin: 36px 0 0; padding: 0 4px; }
dl div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
dt { color: var(--quiet); font-size: .92rem; }
dd { margin: 0; font-size: 1.55rem; font-weight: 620; letter-spacing: -.015em; line-height: 1.25; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 22px; margin: 14px 0 0; padding: 0; font-size: .92rem; }
.key li { display: flex; align-items: center; gap: 8px; }
.key i, .tip i { flex: none; width: 12px; height: 12px; border-radius: 3px; background: var(--of); }
.key i.solid, .key i.dashed { width: 20px; height: 3px; border-radius: 2px; }
.key i.dashed { background: repeating-linear-gradient(90deg, var(--of) 0 6px, transparent 6px 9px); }
.plot { position: relative; margin-top: 18px; border-radius: 8px; touch-action: pan-y; }
.plot:focus-visible { outline: 2px solid var(--line-0); outline-offset: 6px; }
.plot svg { display: block; width: 100%; height: auto; }
.plot .narrow { display: none; }
.cursor { position: absolute; top: 8%; bottom: 9%; width: 1px; background: var(--quiet); pointer-events: none; }
.tip {
  position: absolute; top: 0; min-width: 150px; padding: 10px 12px; border: 1px solid var(--rule); border-radius: 10px; pointer-events: none;
  background: var(--card); box-shadow: 0 6px 24px #0003; font-size: .84rem; line-height: 1.4; z-index: 1;
}
.tip b { display: block; margin-bottom: 4px; }
.tip div { display: flex; align-items: center; gap: 7px; white-space: nowrap; }
.tip span { margin-left: auto; padding-left: 18px; }
.empty { margin-top: 18px; padding: 40px 24px; border: 1.5px dashed var(--rule); border-radius: 10px; color: var(--quiet); text-align: center; }
.scroll { overflow-x: auto; margin-top: 16px; max-height: 640px; overflow-y: auto; border-radius: 8px; }
.scroll:focus-visible { outline: 2px solid var(--line-0); outline-offset: 4px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; padding-bottom: 10px; max-width: calc(100vw - 72px); }
th, td { text-align: left; padding: 8px 20px 8px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 560; color: var(--quiet); position: sticky; top: 0; background: var(--card); }
tbody tr:last-child td { border-bottom: 0; }
.right { text-align: right; }
td:last-child, th:last-child { padding-right: 0; }
tr.void td { color: var(--quiet); }
tr.void td.state { font-style: italic; }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--quiet); font-size: .92rem; }
footer { margin-top: 36px; color: var(--quiet); font-size: .88rem; max-width: 78ch; }
footer p + p { margin-top: 8px; }
@media (max-width: 760px) {
  main { padding: 36px 14px 56px; }
  section { padding: 22px 18px 20px; border-radius: 14px; margin-top: 16px; }
  .hero { grid-template-columns: 1fr; gap: 16px; }
  .share { gap: 20px; }
  .share svg { width: 112px; height: 112px; }
  .plot .wide { display: none; }
  .plot .narrow { display: block; }
  dl { grid-template-columns: 1fr 1fr; gap: 18px; margin-top: 28px; }
}
@media print {
  body { background: #fff; }
  section { break-inside: avoid; }
  .scroll { max-height: none; }
}
`
