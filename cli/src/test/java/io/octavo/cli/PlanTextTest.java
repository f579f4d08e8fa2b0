package io.octavo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.client.WireJson;
import org.junit.jupiter.api.Test;

class PlanTextTest {

    @Test
    void tellsWhatAQuantizationWouldDo() {
        String text = PlanText.of(WireJson.parse("""
                {"inputs": [{"uri": "hub:octavo/model", "bytes": 16000000000}],
                 "quantization": {
                   "label": "W8A8-FP8-dynamic",
                   "executions": [{"gpus": "sm_75 to sm_88", "runsAs": "W8A16"}],
                   "inputBytes": 16000000000, "outputBytes": 9000000000, "outputFiles": 2, "weightBits": 8.01,
                   "resources": {"hostBytes": 600000000, "deviceBytes": 67108864, "diskBytes": 25000000000,
                                 "seconds": 41.0},
                   "tensorParallel": [{"ways": 1, "possible": true, "obstacles": []},
                                      {"ways": 2, "possible": true, "obstacles": []},
                                      {"ways": 4, "possible": false, "obstacles": ["heads 6 are not divisible by 4"]}],
                   "warnings": [{"code": "mostly-kept", "message": "60 % of the bytes stay as they are"}],
                   "modules": [
                     {"name": "model.layers.{0..31}.mlp.up_proj", "count": 32, "dtype": "BF16", "shape": [14336, 4096],
                      "quantized": true, "stored": ["weight F8_E4M3 [14336, 4096]", "weight_scale BF16 [14336, 1]"]},
                     {"name": "lm_head.weight", "count": 1, "dtype": "BF16", "shape": [128256, 4096],
                      "quantized": false, "stored": [], "reason": "output head"}]},
                 "evaluations": [], "notChecked": []}"""));
        assertThat(text.lines().map(line -> line.replaceAll(" +", " ").strip()))
                .containsExactly(
                        "input hub:octavo/model, 16.0 GB",
                        "label W8A8-FP8-dynamic",
                        "runs as W8A16 on sm_75 to sm_88",
                        "bytes 16.0 GB become 9.0 GB in 2 files; 8.01 bits a quantized weight",
                        "needs at most 600 MB of memory, 67.1 MB on the device, 25.0 GB of disk; about 41.0 s of work",
                        "splits over 1, 2 GPUs",
                        "not over 4: heads 6 are not divisible by 4",
                        "warning 60 % of the bytes stay as they are [mostly-kept]",
                        "COUNT TYPE SHAPE NAME BECOMES",
                        "32 BF16 14336x4096 model.layers.{0..31}.mlp.up_proj weight F8_E4M3 [14336, 4096], weight_scale"
                                + " BF16 [14336, 1]",
                        "1 BF16 128256x4096 lm_head.weight kept: output head");
    }

    @Test
    void tellsWhatWouldBeEvaluatedAndWhatWasNotLookedAt() {
        String text = PlanText.of(WireJson.parse("""
                {"inputs": [{"uri": "file:/models/x", "bytes": null}],
                 "quantization": null,
                 "evaluations": [{"uri": "hub:octavo/model",
                                  "checkpoint": {"label": "BF16", "architecture": "LlamaForCausalLM",
                                                 "weightBytes": 10097152}}],
                 "notChecked": [{"uri": "file:/models/x", "reason": "file: sources are read by workers alone"}]}"""));
        assertThat(text.lines())
                .containsExactly(
                        "input      file:/models/x, size unknown",
                        "evaluates  hub:octavo/model: BF16, LlamaForCausalLM, 10.1 MB of weights",
                        "unchecked  file:/models/x: file: sources are read by workers alone");
    }
}
