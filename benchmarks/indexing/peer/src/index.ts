import { ponder } from "ponder:registry";
import { balances, transfers } from "ponder:schema";

ponder.on("PointsToken:Transfer", async ({ event, context }) => {
  const { sender, receiver, amount } = event.args;
  await context.db.insert(transfers).values({
    block: event.block.number,
    logIndex: event.log.logIndex,
    transaction: event.transaction.hash,
    sender,
    receiver,
    amount,
  });
  await context.db
    .insert(balances)
    .values({ account: sender, amount: -amount })
    .onConflictDoUpdate((row) => ({ amount: row.amount - amount }));
  await context.db
    .insert(balances)
    .values({ account: receiver, amount })
    .onConflictDoUpdate((row) => ({ amount: row.amount + amount }));
});
