package io.octavo.engine.modify;

/** What a tensor is multiplied by along its last dimension: {@code (x + offset) * factor - offset}, in f32. */
public final class ChannelScaling {

    private final float offset;
    private final float[] factors;

    /**
     * @param offset what is added to stored gains of a norm, 0 for others
     * @param factors one a channel; copied
     */
    public ChannelScaling(float offset, float... factors) {
        this.offset = offset;
        this.factors = factors.clone();
    }

    public float offset() {
        return offset;
    }

    /** A copy, one a channel. */
    public float[] factors() {
        return factors.clone();
    }

    public int channels() {
        return factors.length;
    }

    public float apply(float x, int channel) {
        return (x + offset) * factors[channel] - offset;
    }
}
