#include "cli/app.h"
#include "queue/lines/stream.h"

int main(int argc, char** argv) {
  backsight::queue::hold_standard_streams();
  return backsight::cli::run(argc, argv);
}
