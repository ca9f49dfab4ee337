// The claim button: one request through the API, then a look at what became of it until it has ended.
"use strict";

const form = document.getElementById("claim");
if (form) {
  const button = form.querySelector("button");
  const state = document.getElementById("claim-state");
  const key = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const follow = async (id) => {
    for (let wait = 250; ; wait = Math.min(wait * 2, 4000)) {
      const request = await (await fetch(`/v1/requests/${id}`)).json();
      if (request.state === "refused") throw new Error(request.refusal.sentence);
      if (request.state === "mined") return;
      state.textContent = request.state === "sent" ? "Sent to the chain …" : "Accepted …";
      await pause(wait);
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    state.textContent = "Asking …";
    try {
      const answer = await fetch("/v1/claims", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ wallet: form.dataset.wallet }),
      });
      const body = await answer.json();
      if (!answer.ok && !body.request) throw new Error(body.detail);
      await follow(body.id || body.request);
      state.textContent = "Claimed. Loading the new balance …";
      await pause(400);
      location.reload();
    } catch (error) {
      state.textContent = `Not claimed: ${error.message}`;
      button.disabled = false;
    }
  });
}
