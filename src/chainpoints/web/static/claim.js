// The claim button: one request through the API, then a look at what became of it until it has ended.
// While its end is not known (no answer came) the next press sends the same Idempotency-Key, so it is claimed once.
// After a refusal the next press is a new request, with a new key.
"use strict";

class Refusal extends Error {}

const form = document.getElementById("claim");
if (form) {
  const button = form.querySelector("button");
  const state = document.getElementById("claim-state");
  const newKey = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  let key = null;

  const ask = async (path, options) => {
    const answer = await fetch(path, options);
    const body = await answer.json();
    if (answer.ok) return body;
    if (body.request) return { id: body.request }; // an earlier claim is on its way: this is what is waited for
    if (answer.status >= 500 || answer.headers.has("retry-after")) throw new Error(body.detail);
    throw new Refusal(body.detail);
  };

  const claim = () =>
    ask("/v1/claims", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ wallet: form.dataset.wallet }),
    });

  const follow = async (id) => {
    for (let wait = 250; ; wait = Math.min(wait * 2, 4000)) {
      const request = await ask(`/v1/requests/${id}`);
      if (request.state === "refused") throw new Refusal(request.refusal.sentence);
      if (request.state === "mined") return;
      state.textContent = request.state === "sent" ? "Sent to the chain …" : "Accepted …";
      await pause(wait);
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    state.textContent = "Asking …";
    key = key || newKey();
    try {
      await follow((await claim()).id);
      state.textContent = "Claimed. Loading the new balance …";
      await pause(400);
      location.reload();
    } catch (error) {
      if (error instanceof Refusal) key = null;
      state.textContent =
        error instanceof Refusal
          ? `Not claimed: ${error.message}`
          : `No answer yet (${error.message}). Press again: it is claimed only once.`;
      button.disabled = false;
    }
  });
}
