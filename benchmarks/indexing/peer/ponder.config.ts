import { createConfig } from "ponder";

const transfer = {
  type: "event",
  name: "Transfer",
  inputs: [
    { name: "sender", type: "address", indexed: true },
    { name: "receiver", type: "address", indexed: true },
    { name: "amount", type: "uint256", indexed: false },
  ],
} as const;

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  chains: { local: { id: 31337, rpc: process.env.BENCH_RPC_URL } },
  contracts: {
    PointsToken: {
      abi: [transfer],
      chain: "local",
      address: process.env.BENCH_TOKEN as `0x${string}`,
      startBlock: Number(process.env.BENCH_FIRST_BLOCK),
    },
  },
});
