package io.octavo.engine.sensitivity;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.solve.PlainRounding;
import io.octavo.engine.solve.SolvableWeight;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Modules as a scheme stores them, in memory: weights rounded to the nearest codes, inputs by what data showed of them.
 *
 * @param seen of schemes that store scales of inputs
 */
record RoundedModules(PlainRounding rounding, ActivationRanges seen) {

    /** @param actions of all modules that share a scale */
    Map<String, QuantizedLinear> of(List<Quantize> actions) {
        var absmaxes = new HashMap<List<String>, Float>();
        List<SolvableWeight> weights = actions.stream().map(Quantize::solvable).toList();
        for (SolvableWeight weight : weights) {
            if (!weight.sharing().isEmpty()) {
                absmaxes.merge(weight.sharing(), weight.absmax(), Math::max);
            }
        }
        var linears = new HashMap<String, QuantizedLinear>();
        for (int i = 0; i < weights.size(); i++) {
            SolvableWeight weight = weights.get(i);
            Quantize action = actions.get(i);
            linears.put(
                    weight.module(),
                    new QuantizedLinear(
                            weight.module(),
                            rounding.round(weight, absmaxes.getOrDefault(weight.sharing(), 0f)),
                            action.scheme().inputs(),
                            action.inputScale(seen)));
        }
        return linears;
    }
}
