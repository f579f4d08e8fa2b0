package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.GptqSweep;

/** Launches {@code gptq_sweep.cu}, block of columns by block of columns. */
public final class CudaGptqSweep implements GptqSweep {

    private static final String OWNER = "GPTQ sweep";

    /** Numbers in 16 bytes. */
    private static final int CHUNK = 4;

    private final KernelLibrary library;
    private final DeviceMemory memory;

    public CudaGptqSweep(KernelLibrary library, DeviceMemory memory) {
        this.library = library;
        this.memory = memory;
    }

    @Override
    public void quantize(Arguments a, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        int inputs = a.inputs();
        int rows = (int) a.weights().rows() / inputs;
        int columns = (int) a.weights().columns();
        KernelFile file = library.file("gptq_sweep");
        int block = file.constant("kBlock");
        int pitch = Math.ceilDiv(columns, CHUNK) * CHUNK;
        int errorRows = Math.ceilDiv(rows, block) * block;
        boolean packs = a.format().bits() < Byte.SIZE;
        try (CudaBuffer numbers = memory.scratch(OWNER, Matrix.bytes(DType.F32, (long) inputs * rows, pitch), cuda);
                CudaBuffer errors =
                        memory.scratch(OWNER, Matrix.bytes(DType.F32, (long) inputs * block, errorRows), cuda);
                CudaBuffer bytes = memory.scratch(OWNER, packs ? a.weights().elements() : 0, cuda)) {
            Launcher launcher = (step, first, grid) -> cuda.call(step)
                    .matrix(a.weights())
                    .matrix(a.factor())
                    .optional(a.order())
                    .matrix(a.scales())
                    .optional(a.zeroPoints())
                    .matrix(Matrix.of(numbers, DType.F32, (long) inputs * rows, pitch))
                    .matrix(Matrix.of(errors, DType.F32, (long) inputs * block, errorRows))
                    .matrix(packs ? Matrix.of(bytes, DType.U8, (long) inputs * rows, columns) : a.codes())
                    .matrix(a.codes())
                    .matrix(a.losses())
                    .number(rows)
                    .number(columns)
                    .number(pitch)
                    .number(errorRows)
                    .number((int) a.scales().columns())
                    .number((int) Math.min(a.groupColumns(), columns))
                    .number(first)
                    .type(a.weights().dtype())
                    .number(a.format().id())
                    .launch(grid);
            Kernel gather = file.kernel("gptq_sweep_gather");
            Kernel quantize = file.kernel("gptq_sweep_block_" + codesOf(a.format()));
            Kernel update = file.kernel("gptq_sweep_update");
            launcher.launch(gather, 0, new Grid(rows, 1, inputs, gather.threads()));
            for (int first = 0; first < columns; first += block) {
                launcher.launch(
                        quantize, first, new Grid(errorRows / file.constant("kRows"), 1, inputs, quantize.threads()));
                int tilesBehind = Math.max(Math.ceilDiv(columns - first, block) - 1, 0);
                launcher.launch(update, first, new Grid(tilesBehind, errorRows / block, inputs, update.threads()));
            }
            if (packs) {
                Kernel pack = file.kernel("gptq_sweep_pack");
                launcher.launch(pack, 0, new Grid(rows, 1, inputs, pack.threads()));
            }
        }
    }

    /** Launches a step of the block of columns that begins at {@code first}. */
    private interface Launcher {
        void launch(Kernel step, int first, Grid grid);
    }

    static String codesOf(CodeFormat format) {
        return switch (format) {
            case E4M3 -> "e4m3";
            case E2M1 -> "e2m1";
            case INT8, INT8_OFFSET, INT4_OFFSET -> "integers";
        };
    }
}
