/// The report's style and script, as they stand in the page: its policy names their digests.
enum ReportAssets {
  static let style = """
    :root{--bg:#fbfbfa;--card:#fff;--ink:#1c1f23;--soft:#5d6570;--line:#dfe3e8;--code:#f3f4f6;--accent:#2458c5;--good:#1a7f4b;\
    --goodbg:#e5f5ec;--bad:#b3261e;--badbg:#fdeceb;--warn:#8a5a00;--warnbg:#fdf3dc;--add:#e6f6ea;--addm:#b4e3c2;--del:#fdeaea;\
    --delm:#f6bcbc;--model:#7a4bc9;--command:#2458c5;--test:#1a7f4b;--file:#b8620b;--decision:#b3261e;--run:#4a5260;--told:#8b93a0;\
    --fresh:#7a4bc9;--cached:#c9b6ea;--output:#e08a2c}
    @media (prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1c2026;--ink:#e6e9ed;--soft:#9aa4b1;--line:#323a44;--code:#242a32;\
    --accent:#86aef7;--good:#62cf96;--goodbg:#16301f;--bad:#f28b82;--badbg:#3a1d1b;--warn:#e9bd61;--warnbg:#33280f;--add:#16301f;\
    --addm:#23613c;--del:#3a1d1b;--delm:#7a322d;--model:#b898f0;--command:#86aef7;--test:#62cf96;--file:#eaa45c;--decision:#f28b82;\
    --run:#a9b3c0;--told:#768190;--fresh:#b898f0;--cached:#5b4a7d;--output:#eaa45c}}
    *{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
    main{max-width:1120px;margin:0 auto;padding:28px 20px 8px}
    .skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px}
    h1{font-size:26px;line-height:1.25;margin:6px 0 4px;font-weight:650;overflow-wrap:anywhere}
    h2{font-size:18px;margin:0 0 12px;font-weight:650}section{margin:36px 0}
    code,pre,.diff,.number,.time,.took{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
    code{font-size:.9em;overflow-wrap:anywhere}a{color:var(--accent)}small{color:var(--soft);font-size:.87em}
    header{border:1px solid var(--line);border-top:5px solid var(--run);border-radius:10px;background:var(--card);padding:18px 22px}
    header.good{border-top-color:var(--good)}header.bad{border-top-color:var(--bad)}header.warning{border-top-color:var(--warn)}
    .outcome{margin:0;font-weight:650;text-transform:capitalize;color:var(--run)}.good .outcome{color:var(--good)}
    .bad .outcome{color:var(--bad)}.warning .outcome{color:var(--warn)}.mark{margin-right:7px}
    .reason{margin:0 0 12px;color:var(--soft);overflow-wrap:anywhere}
    dl.facts{margin:0;display:grid;gap:3px 26px;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr))}
    dl.facts div{display:flex;gap:10px;min-width:0}dl.facts dt{color:var(--soft);flex:0 0 78px;font-size:.9em}
    dl.facts dd{margin:0;min-width:0;overflow-wrap:anywhere;white-space:pre-wrap}
    .parts dl.facts{display:block}#verification dl.facts{grid-template-columns:1fr}
    .cards{list-style:none;margin:14px 0 0;padding:0;display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(132px,1fr))}
    .cards li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:11px 14px;min-width:0}
    .cards span{display:block;color:var(--soft);font-size:.87em}.cards b{display:block;font-size:21px;font-weight:650;\
    font-variant-numeric:tabular-nums;white-space:nowrap}.cards small{display:block}
    .cards .good b{color:var(--good)}.cards .bad b{color:var(--bad)}
    .proof ul{margin:0;padding:0;list-style:none}.proof li{padding:3px 0 3px 26px;position:relative;overflow-wrap:anywhere}
    .proof li::before{position:absolute;left:2px;font-weight:700}.held li::before{content:"✔";color:var(--good)}
    .flag li::before{content:"!";left:6px;color:var(--warn)}
    blockquote{margin:12px 0 0;padding:2px 0 2px 14px;border-left:3px solid var(--line);white-space:pre-wrap;overflow-wrap:anywhere}
    cite{display:block;color:var(--soft);font-style:normal;font-size:.87em}.note{color:var(--soft);margin:4px 0 10px}
    .scroll{overflow-x:auto}summary{cursor:pointer}summary:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    .file{border:1px solid var(--line);border-radius:8px;background:var(--card);margin:0 0 12px;overflow:hidden}
    .file>summary{padding:7px 12px;background:var(--code);overflow-wrap:anywhere}.plus{color:var(--good)}.minus{color:var(--bad)}
    .kind{font-size:.8em;border:1px solid var(--line);border-radius:9px;padding:0 7px;color:var(--soft)}
    table.diff{width:100%;border-collapse:collapse;font-size:12.5px;line-height:1.5;table-layout:fixed}
    col.n{width:46px}.diff td{vertical-align:top;padding:0 8px}.diff td.n{color:var(--soft);text-align:right;padding:0 7px 0 2px;\
    user-select:none;font-size:11.5px}.diff td.c{white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
    .diff td:nth-child(3){border-left:1px solid var(--line)}.diff .add{background:var(--add)}.diff .del{background:var(--del)}
    .diff .none{background:var(--code)}.diff mark{color:inherit;border-radius:2px;padding:0}.add mark{background:var(--addm)}
    .del mark{background:var(--delm)}.hunk td{background:var(--code);color:var(--soft);padding:1px 12px;font-size:11.5px}
    .charts{display:grid;gap:16px;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr))}
    .charts figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;min-width:0}
    figcaption{font-weight:600;margin-bottom:6px}svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:12px}
    .grid{stroke:var(--line);stroke-dasharray:2 4}.axis{stroke:var(--line)}.hit{fill:transparent}.hit:hover{fill:var(--ink);fill-opacity:.06}
    .lane{fill:var(--code)}rect.fresh{fill:var(--fresh)}rect.cached{fill:var(--cached)}rect.output{fill:var(--output)}
    polyline.cost{fill:none;stroke:var(--good);stroke-width:2}
    svg .k-model{fill:var(--model)}svg .k-command{fill:var(--command)}svg .k-test{fill:var(--test)}svg .k-file{fill:var(--file)}
    svg .k-deliver{fill:var(--decision)}.legend{margin:8px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px;color:var(--soft);font-size:.87em}
    .legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;vertical-align:-1px}
    i.fresh{background:var(--fresh)}i.cached{background:var(--cached)}i.output{background:var(--output)}
    i.cost{background:var(--good);height:3px;vertical-align:3px}
    .filters{display:flex;flex-wrap:wrap;gap:8px;align-items:center;position:sticky;top:0;z-index:2;background:var(--bg);padding:8px 0}
    .filters[hidden]{display:none}.filters input[type=search]{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);\
    border-radius:8px;padding:5px 10px;flex:1 1 210px;min-width:0}
    .filters label{border:1px solid var(--line);background:var(--card);border-radius:16px;padding:3px 11px;font-size:.9em;cursor:pointer;\
    white-space:nowrap}.filters label input{accent-color:var(--tone,var(--accent));margin:0 6px 0 0;vertical-align:-1px}
    .filters output{color:var(--soft);font-size:.9em}
    .k-model{--tone:var(--model)}.k-command{--tone:var(--command)}.k-test{--tone:var(--test)}.k-file{--tone:var(--file)}
    .k-decision{--tone:var(--decision)}.k-run{--tone:var(--run)}.k-told{--tone:var(--told)}
    .timeline{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-radius:10px;background:var(--card);overflow:hidden}
    .timeline>li{border-top:1px solid var(--line)}.timeline>li:first-child{border-top:0}.timeline>li[hidden]{display:none}
    .timeline summary,.timeline .summary{display:flex;gap:10px;align-items:baseline;padding:6px 14px;list-style:none;min-width:0}
    .timeline summary::-webkit-details-marker{display:none}.timeline summary:hover{background:var(--code)}
    .time{flex:0 0 76px;text-align:right;color:var(--soft);font-size:12px}.took{flex:0 0 62px;text-align:right;color:var(--soft);font-size:12px}
    .number{flex:0 0 34px;text-align:right;color:var(--soft);font-size:11.5px}
    .dot{flex:0 0 9px;height:9px;border-radius:50%;background:var(--tone);align-self:center}
    .title{flex:1 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
    .title code{color:var(--soft)}details[open]>summary .title{white-space:normal;overflow-wrap:anywhere}
    .status{flex:0 0 auto;font-size:.83em;border-radius:9px;padding:0 8px;background:var(--code);white-space:nowrap;max-width:46%;\
    overflow:hidden;text-overflow:ellipsis}.status.good{color:var(--good);background:var(--goodbg)}
    .status.bad{color:var(--bad);background:var(--badbg)}.status.warning{color:var(--warn);background:var(--warnbg)}
    .parts{padding:4px 14px 12px 109px;min-width:0}.block{margin:8px 0}.block figcaption{font-size:.87em;margin:0 0 3px;color:var(--soft)}
    .timeline .block summary{display:list-item;padding:3px 0;list-style:inside disclosure-closed;color:var(--soft);font-size:.9em}
    .timeline .block[open]>summary{list-style-type:disclosure-open}
    pre{margin:0;background:var(--code);border-radius:8px;padding:9px 12px;font-size:12.5px;line-height:1.5;max-height:440px;\
    overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}pre.said{font-family:inherit;font-size:14px}
    .hash{color:var(--soft);font-size:12px;margin:8px 0 0}
    table.list{border-collapse:collapse;width:100%;background:var(--card)}.list th{text-align:left;color:var(--soft);font-weight:500;\
    font-size:.87em}.list th,.list td{border:1px solid var(--line);padding:6px 10px;vertical-align:top;overflow-wrap:anywhere}
    .list td:last-child{text-align:right;font-variant-numeric:tabular-nums}
    .verdict{font-weight:600;border-radius:8px;padding:9px 14px}.verdict.good{color:var(--good);background:var(--goodbg)}
    .verdict.bad{color:var(--bad);background:var(--badbg)}#verification dd{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12.5px}
    footer{color:var(--soft);font-size:.87em;max-width:1120px;margin:0 auto;padding:0 20px 30px}
    @media (max-width:680px){main{padding:14px 12px}header{padding:14px}h1{font-size:21px}.cards{grid-template-columns:repeat(2,1fr)}
    .timeline summary,.timeline .summary{flex-wrap:wrap;gap:3px 8px;padding:8px 10px}.time{flex:0 0 auto}.took{flex:0 0 auto}
    .title{flex:1 1 100%;order:3;white-space:normal;overflow-wrap:anywhere}.title code{display:block}.number{margin-left:auto;flex:0 0 auto}
    .parts{padding:4px 10px 12px}.filters{position:static}.status{max-width:70%}
    .diff,.diff tbody,.diff tr,.diff td.hunk{display:block}.diff colgroup,.diff td.none,.diff td.old{display:none}
    .diff tr{display:grid;grid-template-columns:40px 1fr}.diff tr.hunk{display:block}.diff tr.hunk td{display:block}
    .diff td:nth-child(3){border-left:0}svg text{font-size:15px}}
    @media print{:root{--bg:#fff;--card:#fff;--ink:#000;--code:#f4f4f4;--soft:#444;--line:#bbb}body{font-size:10.5pt}
    .filters,.skip{display:none}main{max-width:none;padding:0}pre{max-height:none;overflow:visible}
    .timeline{overflow:visible}section,header{break-inside:auto}h2{break-after:avoid}.timeline summary{break-inside:avoid}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
    """

  static let script = """
    "use strict";(()=>{const form=document.querySelector(".filters"),list=[...document.querySelectorAll(".timeline>li")],\
    empty=document.querySelector(".empty"),search=form.querySelector("[type=search]"),count=form.querySelector("output"),\
    boxes=[...form.querySelectorAll("[type=checkbox]")],only=boxes.find(b=>b.value==="bad"),kinds=boxes.filter(b=>b!==only);\
    const texts=new WeakMap();const text=item=>{let t=texts.get(item);if(t===undefined){t=item.textContent.toLowerCase();\
    texts.set(item,t)}return t};
    const apply=()=>{const shown=new Set(kinds.filter(b=>b.checked).map(b=>b.value)),wanted=search.value.trim().toLowerCase();\
    let number=0;for(const item of list){const fits=shown.has(item.dataset.kind)&&(!only.checked||item.dataset.state==="bad"||\
    item.dataset.state==="warning")&&(!wanted||text(item).includes(wanted));item.hidden=!fits;if(fits)number++}
    empty.hidden=number>0;count.textContent=number===list.length?"":number+" of "+list.length};
    form.hidden=false;form.addEventListener("submit",e=>e.preventDefault());form.addEventListener("input",apply);
    const reveal=()=>{const id=location.hash.slice(1);if(!/^e[0-9]+$/.test(id))return;const item=document.getElementById(id);\
    if(!item)return;item.hidden=false;const fold=item.querySelector("details");if(fold)fold.open=true;item.scrollIntoView()};
    addEventListener("hashchange",reveal);let folded=[];addEventListener("beforeprint",()=>{folded=[...document.querySelectorAll(\
    "details:not([open]):not(.block)")];for(const f of folded)f.open=true});addEventListener("afterprint",()=>{for(const f of folded)f.open=false});
    apply();reveal()})();
    """
}
