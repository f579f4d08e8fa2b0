package io.octavo.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class WeightShapesTest {

    private static final String WEIGHT = ".weight";

    static Stream<String> models() throws IOException {
        return MissingModulesTest.models();
    }

    private static JsonNode config(String model) throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(GeneratedModel.golden(model).resolve("config.json")));
    }

    /** Of every weight, by module, as transformers saved it. */
    private static Map<String, List<Long>> shapes(String model) throws IOException {
        Path list = GeneratedModel.golden(model).resolve("tensors.txt");
        var shapes = new LinkedHashMap<String, List<Long>>();
        for (String line : Files.readAllLines(list)) {
            String[] columns = line.split(" ", -1);
            if (columns[0].endsWith(WEIGHT)) {
                shapes.put(
                        columns[0].substring(0, columns[0].length() - WEIGHT.length()),
                        Arrays.stream(columns, 1, columns.length)
                                .map(Long::valueOf)
                                .toList());
            }
        }
        return shapes;
    }

    /** One number more or fewer, whatever the weight: a row, a column, a dimension. */
    @ParameterizedTest
    @MethodSource("models")
    void everyWeightOfAKnownModelHasTheShapeOfItsConfig(String model) throws IOException {
        JsonNode config = config(model);
        Map<String, List<Long>> shapes = shapes(model);
        assertThat(WeightShapes.contradiction(config, module -> Optional.ofNullable(shapes.get(module))))
                .isEmpty();
        shapes.forEach((changed, shape) -> Stream.of(
                        List.of(shape.getFirst() + 1, shape.getLast()),
                        List.of(shape.getFirst(), shape.getLast() + 1),
                        List.of(shape.stream().reduce(1L, Math::multiplyExact) + 1))
                .filter(wrong -> !wrong.equals(shape))
                .forEach(wrong -> assertThatThrownBy(() -> WeightShapes.require(
                                config,
                                module -> Optional.ofNullable(module.equals(changed) ? wrong : shapes.get(module))))
                        .isInstanceOfSatisfying(
                                QuantizationException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECKPOINT_SHAPE_MISMATCH))
                        .hasMessage("tensor " + changed + ".weight has shape " + wrong + ", config.json asks for "
                                + shape)));
    }
}
