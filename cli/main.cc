#include "cli/app.h"

int main(int argc, char** argv) { return backsight::cli::run(argc, argv); }
