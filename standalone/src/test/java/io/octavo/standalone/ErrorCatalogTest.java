package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.worker.openai.OpenAiCode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorCatalogTest {

    @Test
    void everyCodeIsDocumented() throws IOException {
        String catalog = Files.readString(ProjectFolder.root().resolve("docs/errors.md"));
        Stream<String> codes = Stream.of(
                        Arrays.stream(ErrorCode.values()).map(ErrorCode::slug),
                        Arrays.stream(ProblemCode.values()).map(ProblemCode::slug),
                        Arrays.stream(OpenAiCode.values()).map(OpenAiCode::slug))
                .flatMap(each -> each);
        assertThat(codes).allSatisfy(code -> assertThat(catalog).contains("`" + code + "`"));
    }
}
