package io.octavo.engine.model;

import java.util.function.IntFunction;

/** Reads the mixers of a config's layers. */
interface MixerReader {

    /** @return the mixer of each of the layers, by its number */
    IntFunction<MixerSpec> read(ConfigReader config, int layers);
}
