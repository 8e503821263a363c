// A page that is written anew while its study runs reloads itself: what was open, and how far one had read, is as before.
(() => {
  const { _, make, all, kept } = report;
  const stored = kept("sessionStorage", `nas-live ${location.pathname}`);
  const held = () => { try { return JSON.parse(stored.get()) ?? {}; } catch { return {}; } };
  const remember = changes => stored.set(JSON.stringify({ ...held(), ...changes }));
  const details = all("details");
  const before = held();
  const live = document.getElementById("live");
  const settle = () => {
    if (!before.leaving) return;
    details.forEach((one, index) => { one.open = before.open[index] ?? one.open; });
    scrollTo({ top: before.at, behavior: "instant" });
    remember({ leaving: false });
    history.scrollRestoration = "auto";
  };
  if (!live) { settle(); return; }
  // Who wants no motion gets none that was not asked for.
  const box = make("input", { type: "checkbox", id: "reloads", checked: before.reloads ?? !matchMedia("(prefers-reduced-motion: reduce)").matches });
  box.addEventListener("change", () => remember({ reloads: box.checked }));
  live.append(" ", make("label", {}, box, " ", _("reload by itself")));
  settle();
  const busy = () => document.hidden || all("rect.brush").length > 0 && document.activeElement.closest?.(".range")
    || document.activeElement.matches?.("input:not([type=checkbox]), select");
  setInterval(() => {
    if (!box.checked || busy()) return;
    remember({ leaving: true, at: scrollY, open: details.map(one => one.open) });
    history.scrollRestoration = "manual";
    location.reload();
  }, 1000 * live.dataset.every);
})();
