package io.octavo.engine.modify;

/**
 * What a tensor is multiplied by along its last dimension: {@code (x + offset) * factor - offset}, in f32.
 *
 * @param offset what is added to stored gains of a norm, 0 for others
 */
public record ChannelScaling(float offset, float... factors) {

    public ChannelScaling {
        factors = factors.clone();
    }

    @Override
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
