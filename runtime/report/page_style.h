// How the pages of `sterna report` look: in light, in dark, and on paper.
#pragma once

#include <string_view>

namespace sterna::report {

// The classes c0 to c5 are the colours of plot::begin_series(), lighter where the page is dark.
inline constexpr std::string_view kPageStyle = R"(
:root { color-scheme: light dark; --text: #1c1c1c; --page: #ffffff; --faint: #5a5a5a; --rule: #d5d5d5;
  --holds: #006b4d; --fails: #b54708; --undecided: #8a6100; --open: #5a5a5a; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem 1.5rem 3rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 Helvetica, Arial, sans-serif; }
h1, h2, h3, h4 { line-height: 1.25; margin: 2rem 0 0.75rem; }
h2 { border-top: 1px solid var(--rule); padding-top: 1.5rem; }
p { max-width: 48rem; margin: 0.5rem 0; }
nav ul { columns: 2; padding-left: 1.2rem; }
.verdict { border: 1px solid var(--rule); border-left-width: 0.5rem; padding: 0.5rem 1rem; margin: 0.75rem 0; max-width: 48rem; }
.verdict strong { font-size: 1.1rem; }
.holds { border-left-color: var(--holds); } .holds strong { color: var(--holds); }
.fails { border-left-color: var(--fails); } .fails strong { color: var(--fails); }
.undecided { border-left-color: var(--undecided); } .undecided strong { color: var(--undecided); }
.open, .unfinished { border-left-color: var(--open); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding-bottom: 0.4rem; }
th, td { border-bottom: 1px solid var(--rule); padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; vertical-align: top; }
thead th { border-bottom-width: 2px; }
th[scope=row] { font-weight: 600; }
.number { text-align: right; }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; }
figcaption, footer { color: var(--faint); max-width: 48rem; font-size: 0.9rem; }
details { border: 1px solid var(--rule); padding: 0 1rem; margin: 0.75rem 0; }
summary { cursor: pointer; font-weight: 600; padding: 0.6rem 0; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --page: #16181b; --faint: #a3a3a3; --rule: #3b3f45;
    --holds: #3ecf9f; --fails: #ff9a57; --undecided: #e3b341; --open: #a3a3a3; }
  .c0 { color: #2f93d6; } .c1 { color: #ee7a3a; } .c2 { color: #1fb98c; } .c3 { color: #dc97bd; } .c5 { color: #9fd6f7; }
}
@media print {
  :root { --text: #000; --page: #fff; --faint: #444; }
  figure, table, .verdict { break-inside: avoid; }
  nav { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
)";

}  // namespace sterna::report
