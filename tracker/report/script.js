"use strict";
(() => {
  const timeline = document.querySelector(".timeline");
  if (!timeline) return;
  const tip = document.querySelector(".tip");
  const cursor = timeline.querySelector(".cursor");
  const length = Number(timeline.dataset.length);

  const leave = () => { tip.hidden = cursor.hidden = true; };
  timeline.addEventListener("pointerleave", leave);
  timeline.addEventListener("pointermove", (event) => {
    const track = timeline.querySelector(".axis div").getBoundingClientRect();
    const share = (event.clientX - track.left) / track.width;
    if (share < 0 || share > 1) return leave();
    const frame = Math.min(length, Math.floor(share * length) + 1);
    const row = event.target.closest(".row");
    const mark = event.target.closest("[data-span]");
    const words = ["frame " + frame];
    if (row) words.push("identity " + row.dataset.id);
    if (mark) {
      const kind = mark.matches("u") ? "identity switch in " : mark.matches(".seen") ? "detected " : "predicted ";
      words.push(kind + mark.dataset.span);
    }
    tip.textContent = words.join(" · ");
    tip.hidden = cursor.hidden = false;
    cursor.style.left = event.clientX - timeline.getBoundingClientRect().left - timeline.clientLeft + "px";
    const right = event.clientX + 14 + tip.offsetWidth > document.documentElement.clientWidth;
    tip.style.left = event.clientX + (right ? -14 - tip.offsetWidth : 14) + "px";
    tip.style.top = event.clientY + 14 + "px";
  });

  const form = document.querySelector(".filter");
  const items = document.querySelectorAll("[data-id]");
  const wanted = (text) => {
    const ranges = [...text.matchAll(/(\d+)\s*(?:[-–]\s*(\d+))?/g)]
      .map((found) => [Number(found[1]), Number(found[2] || found[1])]);
    return (id) => !ranges.length || ranges.some(([first, last]) => first <= id && id <= last);
  };
  const filter = () => {
    const chosen = wanted(form.elements.ids.value);
    const flag = form.elements.flag.value;
    let shown = 0;
    for (const item of items) {
      const fits = chosen(Number(item.dataset.id)) && (!flag || item.dataset.flags.split(" ").includes(flag));
      item.hidden = !fits;
      shown += fits && item.matches(".row");
    }
    form.querySelector("output").textContent = shown + " shown";
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
