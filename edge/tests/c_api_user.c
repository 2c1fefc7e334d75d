/* The C interface as a C compiler meets it. */
#include "edgewright/edgewright.h"

int UseFromC(const char* folder, char* error, size_t error_size);

int UseFromC(const char* folder, char* error, size_t error_size) {
  edgewright_model* model = NULL;
  const edgewright_status status = edgewright_load(folder, 1, &model, error, error_size);
  edgewright_free(model);
  return (int)status;
}
