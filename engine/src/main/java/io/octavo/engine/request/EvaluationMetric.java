package io.octavo.engine.request;

/** Names of single numbers that tell how good a model is, in results, in gates and on charts. */
public final class EvaluationMetric {

    public static final String PERPLEXITY = "perplexity";

    /** The model's perplexity by its baseline's. */
    public static final String PERPLEXITY_RATIO = "perplexity.ratio";

    public static final String ACCURACY = "accuracy";
    public static final String ACCURACY_DIFFERENCE = "accuracy.difference";
    public static final String DIVERGENCE_MEAN = "divergence.mean";

    /** What 99 of 100 tokens do not exceed. */
    public static final String DIVERGENCE_PERCENTILE99 = "divergence.p99";

    public static final String DIVERGENCE_AGREEMENT = "divergence.agreement";

    /** Share of the baseline's score that is kept: of accuracies their quotient, of perplexities its inverse. */
    public static final String RECOVERY = "recovery";

    /** 1 where smoke inference passed, else 0. */
    public static final String SMOKE = "smoke";

    private EvaluationMetric() {}
}
