// Measures each picture of `uris` in the page that it is part of, and leaves the results there as JSON.
const clip = {left: 88, top: 54, right: 388, bottom: 88}; // of the name: what it cuts off is not seen
function place(text) {
  let {x, y, width, height} = text.getBBox();
  if (text.closest("[clip-path='url(#name)']")) {
    width = Math.min(x + width, clip.right) - x;
    height = Math.min(y + height, clip.bottom) - Math.max(y, clip.top);
    y = Math.max(y, clip.top);
  }
  return {said: text.textContent, x, y, width, height, size: parseFloat(getComputedStyle(text).fontSize)};
}
async function measure(uri) {
  const img = new Image();
  img.src = uri;
  await img.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 400});
  const context = canvas.getContext("2d");
  context.drawImage(img, 0, 0);
  const pixel = (x, y) => [...context.getImageData(x, y, 1, 1).data];
  const source = new TextDecoder().decode(Uint8Array.from(atob(uri.split(",")[1]), c => c.charCodeAt(0)));
  const parsed = new DOMParser().parseFromString(source, "image/svg+xml");
  if (parsed.querySelector("parsererror")) return {broken: parsed.textContent};
  const svg = document.body.appendChild(document.importNode(parsed.documentElement, true));
  const texts = [...svg.querySelectorAll("text")].map(place);
  const boxes = {};
  for (const id of ["claimed", "claimable", "now", "releases"]) {
    const box = svg.querySelector("#" + id)?.getBBox();
    boxes[id] = box ? {x: box.x / 10, width: box.width / 10, height: box.height / 10} : null;
  }
  const curve = svg.querySelector("#curve");
  const length = curve?.getTotalLength(); // the collection has none
  const points = Array.from({length: curve ? 201 : 0}, (_, i) => curve.getPointAtLength(length * i / 200))
    .map(p => [36 + p.x / 10, 300 + p.y / 10]);
  const elements = [...new Set([...svg.querySelectorAll("*")].map(e => e.tagName))];
  svg.remove();
  return {width: img.naturalWidth, height: img.naturalHeight, corner: pixel(1, 1), middle: pixel(320, 120), texts,
    boxes, points, elements};
}
(async () => {
  const results = {};
  for (const [name, uri] of Object.entries(uris)) {
    try { results[name] = await measure(uri); } catch (error) { results[name] = {broken: String(error)}; }
  }
  document.body.textContent = "";
  document.body.appendChild(document.createElement("pre")).textContent = JSON.stringify(results);
})();
