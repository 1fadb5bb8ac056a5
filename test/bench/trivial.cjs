// The reference of the benchmarks: the cheapest resource that the dynamic-provider process can serve.
exports.trivial = {
  check: async (_olds, news) => ({ inputs: news }),
  diff: async (_id, olds, news) => ({ changes: olds.payload === news.payload ? false : undefined }),
  create: async (inputs) => ({ id: "trivial", outs: { payload: inputs.payload } }),
  update: async (_id, _olds, news) => ({ outs: { payload: news.payload } }),
};
