#include "cli/app.h"
#include "tasks/lines/stream.h"

int main(int argc, char** argv) {
  backsight::tasks::hold_standard_streams();
  return backsight::cli::run(argc, argv);
}
