// Makes ONNX Runtime take all tensor memory from CountedAllocate.
//
// The allocator registered with the environment sees prepacked weights and activations, but not the
// weights themselves: ORT keeps them where it unpacked the model file, in blocks of its built-in
// allocator, which calls the aligned operator new. So that import of the library is redirected,
// too. A load's blocks are then booked on its model, and weights return to the system when it goes.
#pragma once

namespace sarai::backends::ort {

// False when this build of the library does not import what is to be redirected; weights are then
// not booked. Call once per library, right after dlopen.
bool CountLibraryMemory(void* library);

}  // namespace sarai::backends::ort
