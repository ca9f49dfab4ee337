import { index, onchainTable, primaryKey } from "ponder";

export const transfers = onchainTable(
  "transfers",
  (t) => ({
    block: t.bigint().notNull(),
    logIndex: t.integer().notNull(),
    transaction: t.hex().notNull(),
    sender: t.hex().notNull(),
    receiver: t.hex().notNull(),
    amount: t.bigint().notNull(),
  }),
  (table) => ({
    place: primaryKey({ columns: [table.block, table.logIndex] }),
    bySender: index().on(table.sender, table.block, table.logIndex),
    byReceiver: index().on(table.receiver, table.block, table.logIndex),
  }),
);

export const balances = onchainTable("balances", (t) => ({
  account: t.hex().primaryKey(),
  amount: t.bigint().notNull(),
}));
